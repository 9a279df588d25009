// The older spelling of pseh2.h.
#include <pseh/pseh2.h>
