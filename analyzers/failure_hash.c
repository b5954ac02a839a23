#include "failure_hash.h"

#include <ctype.h>
#include <nettle/md5.h>
#include <stdio.h>
#include <string.h>

enum { BUCKET_MAX = 1024 };

bool failure_hash(const char *bucket, char ret[37])
{
	unsigned char wide[2 * BUCKET_MAX], md[MD5_DIGEST_SIZE];
	char text[BUCKET_MAX];
	struct md5_ctx context;

	int n = snprintf(text, sizeof(text), "km:%s", bucket);
	if (n < 0 || (size_t)n >= sizeof(text))
		return false;
	for (int i = 0; i < n; i++) {
		wide[2 * i] = (unsigned char)tolower((unsigned char)text[i]);
		wide[2 * i + 1] = 0;
	}
	md5_init(&context);
	md5_update(&context, 2 * (size_t)n, wide);
	md5_digest(&context, sizeof(md), md);
	snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 md[3], md[2], md[1], md[0], md[5], md[4], md[7], md[6], md[8], md[9], md[10],
		 md[11], md[12], md[13], md[14], md[15]);
	return true;
}
