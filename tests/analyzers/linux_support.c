/* What the analyzers of Linux crashes share. */
#include "linux_support.h"

#include <criterion/criterion.h>

Test(linux_support, a_path_that_has_lost_parts)
{
	static const struct {
		const char *path, *whole;
		bool completes;
	} cases[] = {
		{"/opt/acme/c.sys", "/opt/acme/c.sys", true},
		{"/opt/?/c.sys", "/opt/acme/c.sys", true},
		{"/opt/acme/?", "/opt/acme/c.sys", true},
		{"/opt/?/?", "/opt/acme/c.sys", true},
		{"/opt/?/c.sys", "/opt/acme/d.sys", false},
		{"/opt/?/c.sys", "/srv/acme/c.sys", false},
		{"/opt/?/c.sys", "/opt/acme/more/c.sys", false}, /* one part is one part */
		{"/opt/?/c.sys", "/opt/c.sys", false},
		{"/opt/?", "/opt/acme/c.sys", false},
		{"/opt/acme/?", "/opt/acme", false},
		/* ... but for the first: the way up ended there */
		{"/?/c.sys", "/opt/acme/c.sys", true},
		{"/?/acme/c.sys", "/opt/more/acme/c.sys", true},
		{"/?/c.sys", "/opt/acme/xc.sys", false},
		{"/?/acme/c.sys", "/opt/myacme/c.sys", false},
		{"/?/c.sys", "/c.sys", false},
		{"/?/?/c.sys", "/opt/acme/c.sys", true},
		/* a file may be called so, or begin so */
		{"/opt/?c/c.sys", "/opt/acme/c.sys", false},
		{"/opt/?c/c.sys", "/opt/?c/c.sys", true},
		{"/opt/acm/c.sys", "/opt/acme/c.sys", false},
		{"anon:[pipe]", "/opt/acme/c.sys", false},
		{"/opt/acme/c.sys", "anon:[pipe]", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(linux_completes(cases[i].path, cases[i].whole), cases[i].completes,
			     "%s, %s", cases[i].path, cases[i].whole);
}
