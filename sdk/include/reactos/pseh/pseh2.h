// ReactOS's portable structured exception handling, on the compiler's own.
#ifndef NEPTUNE_PSEH2_H
#define NEPTUNE_PSEH2_H
#define _SEH2_TRY __try
#define _SEH2_FINALLY __finally
#define _SEH2_EXCEPT(...) __except (__VA_ARGS__)
#define _SEH2_END
#define _SEH2_LEAVE __leave
#define _SEH2_GetExceptionInformation() (GetExceptionInformation())
#define _SEH2_GetExceptionCode() (GetExceptionCode())
#define _SEH2_AbnormalTermination() (AbnormalTermination())
#define _SEH2_YIELD(...) __VA_ARGS__
#define _SEH2_VOLATILE
#endif
