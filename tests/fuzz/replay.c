/* Runs a fuzz target over files and folders of inputs, for builds without libFuzzer. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False if the file cannot be read. A copy of exactly its size lets AddressSanitizer see its end.
 */
static bool replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");
	bool fine = data && file && fread(data, 1, size, file) == size;

	if (fine)
		LLVMFuzzerTestOneInput(data, size);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	if (file)
		fclose(file);
	free(data);
	return fine;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Number of inputs replayed, -1 if one could not be. */
static int replay(const char *path)
{
	struct stat st;
	struct dirent **entries;
	int count, total = 0;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return replay_file(path, (size_t)st.st_size) ? 1 : -1;
	count = scandir(path, &entries, is_visible, by_name);
	if (count < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		char inner[4096];
		int n;

		snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		free(entries[i]);
		n = total < 0 ? -1 : replay(inner);
		total = n < 0 ? -1 : total + n;
	}
	free(entries);
	return total;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = replay(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	printf("Tested: %d inputs\n", total);
	return total > 0 ? 0 : 1;
}
