/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state - see state.h */
#include "nfq/state.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

nat_ns state_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (nat_ns)ts.tv_sec * 1000000000u + (nat_ns)ts.tv_nsec;
}

static int block_map_fd(int fd, uint64_t octets, struct nat *n, const struct nat_params *p)
{
	void *mem = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	block_init(mem, p);
	if (nat_attach(n, mem, octets) != BLOCK_OK) {
		munmap(mem, octets);
		return -EINVAL;
	}
	return 0;
}

int state_make(struct state *s, struct nat_params *p)
{
	struct state new = { .fd = -1 };
	void *names;
	int err;

	p->max_rows = STATE_MAX_ROWS;
	p->max_allow = STATE_MAX_ALLOW;
	if (getrandom(&p->key, sizeof(p->key), 0) != sizeof(p->key))
		return -EIO;
	new.octets = block_octets(p);
	new.fd = memfd_create("nfqnat-state", MFD_CLOEXEC);
	if (new.fd < 0)
		return -errno;
	if (ftruncate(new.fd, (off_t)new.octets) < 0) {
		err = -errno;
		goto close;
	}
	names = mmap(NULL, 2 * sizeof(*new.name), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (names == MAP_FAILED) {
		err = -errno;
		goto close;
	}
	new.name = names;
	err = block_map_fd(new.fd, new.octets, &new.nat, p);
	if (err)
		goto unmap;
	*s = new;
	return 0;
unmap:
	munmap(names, 2 * sizeof(*new.name));
close:
	close(new.fd);
	return err;
}

void state_free(struct state *s)
{
	munmap(s->nat.block, s->octets);
	munmap(s->name, 2 * sizeof(*s->name));
	close(s->fd);
	s->fd = -1;
}

void state_set_name(struct state *s, unsigned area, uint32_t forward, const char *name)
{
	if (forward < STATE_MAX_NAMES)
		snprintf(s->name[area][forward], STATE_NAME_OCTETS, "%s", name);
}

const char *state_name(const struct state *s, uint32_t forward)
{
	return forward < STATE_MAX_NAMES ? s->name[s->nat.block->active & 1][forward] : "?";
}
