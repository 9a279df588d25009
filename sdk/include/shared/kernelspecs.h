// The names of kernelspecs.h are driverspecs.h's.
#include <driverspecs.h>
