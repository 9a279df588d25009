// dontuse.h marks run-time functions a driver should not call (strcpy, sprintf ...). Calling them is not an error here.
#pragma once
