/*
 * Gives a fuzzer's kept inputs (tests/fuzz/corpus/<name>/, found from the program's name) to its
 * LLVMFuzzerTestOneInput(), without libFuzzer: that is how the corpus runs in `make test`, under the sanitizers. Prints
 * one line for all of them.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int give(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return -1;
	unsigned char *bytes = NULL;
	size_t size = 0, got = 0;
	do {
		size += got;
		unsigned char *more = realloc(bytes, size + 65536);
		if (!more)
			break;
		bytes = more;
		got = fread(bytes + size, 1, 65536, f);
	} while (got > 0);
	fclose(f);
	/* Exactly its size, so that the sanitizer sees one byte too far. */
	unsigned char *exact = malloc(size ? size : 1);
	if (exact) {
		if (size)
			memcpy(exact, bytes, size);
		LLVMFuzzerTestOneInput(exact, size);
	}
	free(exact);
	free(bytes);
	return exact ? 0 : -1;
}

int main(int argc, char **argv)
{
	(void)argc;
	const char *program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	char name[64], folder[160], path[512];
	snprintf(name, sizeof(name), "%s", program);
	char *end = strstr(name, "_replay");
	if (end)
		*end = 0;
	snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	long count = 0;
	DIR *d = opendir(folder);
	if (d) {
		struct dirent *entry;
		while ((entry = readdir(d))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
			if (give(path) != 0) {
				printf("not ok - the kept inputs of %s are read\n", name);
				return 1;
			}
			count++;
		}
		closedir(d);
	}
	printf("%s - the fuzzer %s survives its %ld kept inputs\n", count ? "ok" : "not ok", name, count);
	return count ? 0 : 1;
}
