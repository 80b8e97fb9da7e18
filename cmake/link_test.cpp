// Linked with the whole of one library and only what that library declares; see module.cmake.
int main() { return 0; }
