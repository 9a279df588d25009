// clang warns that its own mm3dnow.h is out of use; mingw-w64's intrin.h includes it. Drivers have no 3DNow!.
#pragma once
