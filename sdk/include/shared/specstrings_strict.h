// The includes of specstrings_strict.h are all in specstrings.h.
#include <specstrings.h>
