// What is written before the machine turns off.
#include "ntos/cc/cc.hpp"
#include "ntos/cm/cm.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/ex/log.hpp"

namespace ex {

ke::Task<> (*ShutdownFileSystems)();

ke::Task<> FlushSystem()
{
    // The registry is in files, so it comes first.
    if (Status S = co_await cm::FlushHives(); !S.Ok())
        Log("shutdown: the registry could not be written (0x%x)\n", u32(S.Code()));
    if (Status S = co_await cc::FlushAll(); !S.Ok())
        Log("shutdown: not all files could be written (0x%x)\n", u32(S.Code()));
    if (ShutdownFileSystems)
        (void)co_await ShutdownFileSystems();      // each that fails has told so
    co_return STATUS_SUCCESS;
}

}
