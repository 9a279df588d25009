// The debug prints of ReactOS's drivers. With NDEBUG defined before it, DPRINT says nothing; DPRINT1 always speaks.
#undef DPRINT
#undef DPRINT1
#undef CHECKPOINT
#undef CHECKPOINT1
#undef UNIMPLEMENTED
#undef UNIMPLEMENTED_ONCE
#undef FIXME
#undef WARN_
#undef ERR_
#undef TRACE_
#undef INFO_
#undef FIXME_
#define DPRINT1(Format, ...) DbgPrint("(%s:%d) " Format, __FILE__, __LINE__, ##__VA_ARGS__)
#if defined(NDEBUG) || !DBG
#define DPRINT(...) ((void)0)
#else
#define DPRINT DPRINT1
#endif
#define CHECKPOINT DPRINT("\n")
#define CHECKPOINT1 DPRINT1("\n")
#define UNIMPLEMENTED DPRINT1("%s is not implemented\n", __func__)
#define UNIMPLEMENTED_ONCE UNIMPLEMENTED
#define FIXME DPRINT1
#define ERR_(Channel, ...) DPRINT1(__VA_ARGS__)
#define FIXME_(Channel, ...) DPRINT1(__VA_ARGS__)
#define WARN_(Channel, ...) ((void)0)
#define TRACE_(Channel, ...) ((void)0)
#define INFO_(Channel, ...) ((void)0)
#ifndef UNIMPLEMENTED_DBGBREAK
#define UNIMPLEMENTED_DBGBREAK(...) \
    do {                            \
        UNIMPLEMENTED;              \
        DbgBreakPoint();            \
    } while (0)
#endif
#ifndef ASSERT_IRQL_LESS_OR_EQUAL
#define ASSERT_IRQL_LESS_OR_EQUAL(x) ASSERT(KeGetCurrentIrql() <= (x))
#define ASSERT_IRQL_EQUAL(x) ASSERT(KeGetCurrentIrql() == (x))
#define ASSERT_IRQL_LESS(x) ASSERT(KeGetCurrentIrql() < (x))
#endif
