#include "windriver.h"
