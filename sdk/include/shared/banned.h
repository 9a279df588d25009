// banned.h deprecates run-time functions; like dontuse.h it says nothing here.
#pragma once
