// Suppression names of the code analysis, which clang does not have.
#pragma once
