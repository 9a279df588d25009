// Local procedure call ports: structures of the NT API.
#pragma once
#include "abi/nt/ob.hpp"

namespace nt {

inline constexpr ACCESS_MASK PORT_CONNECT = 1, PORT_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1;

enum LPC_TYPE : SHORT {
    LPC_NEW_MESSAGE, LPC_REQUEST, LPC_REPLY, LPC_DATAGRAM, LPC_LOST_REPLY, LPC_PORT_CLOSED, LPC_CLIENT_DIED, LPC_EXCEPTION, LPC_DEBUG_EVENT,
    LPC_ERROR_EVENT, LPC_CONNECTION_REQUEST,
};

// Followed by DataLength bytes.
struct PORT_MESSAGE {
    SHORT DataLength, TotalLength;
    SHORT Type, DataInfoOffset;
    CLIENT_ID ClientId;
    ULONG MessageId;
    union {
        SIZE_T ClientViewSize;
        ULONG CallbackId;
    };
};
static_assert(sizeof(PORT_MESSAGE) == 40);

struct CLIENT_DIED_DATA {
    LARGE_INTEGER CreateTime;
};

}
