"""The host side of Neptune: fetches, builds, makes boot images, runs programs in QEMU, tests."""
