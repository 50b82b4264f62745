/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_import - any text as the file of any other program.
 *
 * Input: one octet that chooses the kind, then the text. Whatever comes out
 * must be a configuration; something must have been said about what was not.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *yaml = NULL, *said = NULL, *text;
	size_t yaml_len, said_len;
	struct import_args args = { 0 };
	unsigned kinds = 0;
	struct conf *c = NULL;
	FILE *out, *notes;
	int status;

	if (size < 1 || memchr(data, '\0', size))
		return 0;
	while (import_kinds[kinds].name)
		kinds++;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	plan_target(&args.to, "192.168.122.50");
	if (data[0] & 64)
		plan_target(&args.to, "fd00:122::50");
	out = open_memstream(&yaml, &yaml_len);
	notes = open_memstream(&said, &said_len);
	status = import_run(&import_kinds[(data[0] & 63) % kinds], "fuzz", text, &args, out, notes);
	fclose(out);
	fclose(notes);
	assert(!status || said_len);
	if (yaml_len) {
		assert(conf_parse("out.yaml", yaml, yaml_len, &c, stderr) == 0);
		conf_free(c);
	}
	free(text);
	free(yaml);
	free(said);
	return 0;
}
