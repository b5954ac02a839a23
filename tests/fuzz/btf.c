/* Type information (BTF) as a hostile kernel image may carry it. */
#include "btf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"a", "b", "c.a", "d", "f_path.dentry", "e.e.e.e"};
	struct types *types;
	struct member member;

	struct error *err = btf_types(data, size, &types);
	if (err) {
		error_destroy(err);
		return 0;
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		types_member(types, "s", paths[i], &member);
		types_member(types, "file", paths[i], &member);
	}
	types_size(types, "s");
	types_destroy(types);
	return 0;
}
