// What layer.sys is asked, shared with its test.
#pragma once

namespace layer {

constexpr unsigned Code(unsigned Number, unsigned Method) { return 0x22u << 16 | (0x900 + Number) << 2 | Method; }
constexpr unsigned Counts = Code(0, 0), Fill = Code(1, 2), Sum = Code(2, 1), Hold = Code(3, 2), Die = Code(4, 0), Keep = Code(5, 2), Late = Code(6, 0);
constexpr unsigned DiskBytes = 4u << 20;

struct CountValues {
    unsigned Reads, Writes, Creates, Closes, Lent, Cancelled;
};

}
