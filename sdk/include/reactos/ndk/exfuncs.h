// A part of ntndk.h.
#include <ntndk.h>
