// Microsoft's kits include this file before every source to set its compiler's warnings.
#pragma once
