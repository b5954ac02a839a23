#include "windows_kernel.h"
void windows_blobs_read(struct kernel_dump *k)
{
	(void)k;
}
