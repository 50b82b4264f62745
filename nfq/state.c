/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state - see state.h */
#include "nfq/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nat/inverse.h"

enum {
	STATE_VERSION = 1,		/* of what is behind the block; that has its own */
	LOCK_WAIT_MS = 3000,		/* a worker whose main process was killed takes a moment to die */
	LOCK_STEP_MS = 2,
};

nat_ns state_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (nat_ns)ts.tv_sec * 1000000000u + (nat_ns)ts.tv_nsec;
}

static uint64_t page_up(uint64_t octets)
{
	return (octets + 4095) & ~(uint64_t)4095;
}

static uint64_t octets_of_all(uint64_t block)
{
	return page_up(block) + page_up(2 * sizeof(*((struct state *)NULL)->name)) + page_up(sizeof(struct state_shared));
}

/* Map all of @s->fd; @s->octets and mapped are set. false: errno says why. */
static bool map_all(struct state *s)
{
	uint8_t *mem = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, s->fd, 0);

	if (mem == MAP_FAILED)
		return false;
	s->nat.block = (void *)mem;
	s->name = (void *)(mem + page_up(s->octets));
	s->shared = (void *)(mem + s->mapped - page_up(sizeof(struct state_shared)));
	return true;
}

int state_make(struct state *s, struct nat_params *p)
{
	struct state new = { .fd = -1 };
	int err;

	p->max_rows = STATE_MAX_ROWS;
	p->max_allow = STATE_MAX_ALLOW;
	p->max_outs = STATE_MAX_OUTS;
	p->max_mappings = STATE_MAX_MAPPINGS;
	p->max_peers = p->max_flows;
	p->max_policies = STATE_MAX_POLICIES;
	p->lost_until = nat_tick_of(state_clock()) + nat_tick_span(NAT_SEC(INVERSE_SECONDS));
	if (getrandom(&p->key, sizeof(p->key), 0) != sizeof(p->key))
		return -EIO;
	new.octets = block_octets(p);
	new.mapped = octets_of_all(new.octets);
	new.fd = memfd_create("nfqnat-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (new.fd < 0)
		return -errno;
	/* Nobody may cut it off under those who use it. */
	if (ftruncate(new.fd, (off_t)new.mapped) < 0 ||
	    fcntl(new.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		err = -errno;
		goto close;
	}
	if (!map_all(&new)) {
		err = -errno;
		goto close;
	}
	block_init(new.nat.block, p);
	new.shared->version = STATE_VERSION;
	if (nat_attach(&new.nat, new.nat.block, new.octets) != BLOCK_OK) {
		munmap(new.nat.block, new.mapped);
		err = -EINVAL;
		goto close;
	}
	*s = new;
	return 0;
close:
	close(new.fd);
	return err;
}

static int refuse(int err, char *why, size_t octets, const char *words)
{
	snprintf(why, octets, "%s", words);
	return err;
}

/* Is what is mapped a state that this version understands, and not one that brings us down again and again? */
static int judge(struct state *s, char *why, size_t octets)
{
	switch (block_verify(s->nat.block, s->octets)) {
	case BLOCK_OK:
		break;
	case BLOCK_VERSION:
		return refuse(-EPROTO, why, octets, "it was made by another version");
	case BLOCK_FOREIGN:
	case BLOCK_LAYOUT:
		return refuse(-EBADMSG, why, octets, "it is damaged");
	}
	if (s->mapped != octets_of_all(s->nat.block->octets))
		return refuse(-EBADMSG, why, octets, "its size does not fit what is in it");
	if (s->shared->version != STATE_VERSION)
		return refuse(-EPROTO, why, octets, "it was made by another version");
	if (state_lock(s, LOCK_WAIT_MS) < 0)
		return refuse(-EBUSY, why, octets, "its worker does not end");
	if (++s->shared->takeovers > STATE_TAKEOVERS_MAX)
		return refuse(-ELOOP, why, octets, "it was taken over again and again and never worked for long");
	return nat_attach(&s->nat, s->nat.block, s->octets) == BLOCK_OK ? 0 : refuse(-EBADMSG, why, octets, "it is damaged");
}

int state_take(struct state *s, int fd, char *why, size_t octets)
{
	struct state new = { .fd = fd, .taken = true };
	const int seals = fcntl(fd, F_GET_SEALS);
	struct nat_block head;
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0 || seals < 0 || !(seals & F_SEAL_SHRINK) ||
	    pread(fd, &head, sizeof(head), 0) != sizeof(head) || head.octets < sizeof(head) ||
	    (uint64_t)st.st_size < head.octets)
		return refuse(-EBADMSG, why, octets, "it is not a state of nfqnat");
	new.octets = head.octets;
	new.mapped = (uint64_t)st.st_size;
	if (!map_all(&new)) {
		err = -errno;
		return refuse(err, why, octets, strerror(-err));
	}
	err = judge(&new, why, octets);
	state_unlock(&new);
	if (err) {
		munmap(new.nat.block, new.mapped);
		return err;
	}
	*s = new;
	return 0;
}

void state_good(struct state *s)
{
	s->shared->takeovers = 0;
}

int state_lock(const struct state *s, int wait_ms)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (int waited = 0; fcntl(s->fd, F_SETLK, &all) < 0; waited += LOCK_STEP_MS) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -errno;
		if (waited >= wait_ms)
			return -EBUSY;
		poll(NULL, 0, LOCK_STEP_MS);
	}
	return 0;
}

void state_unlock(const struct state *s)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	fcntl(s->fd, F_SETLK, &all);
}

void state_free(struct state *s)
{
	munmap(s->nat.block, s->mapped);
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
	const char *name = forward < STATE_MAX_NAMES ? s->name[s->nat.block->active & 1][forward] : "?";

	/* What an earlier process left may be anything. */
	return forward < STATE_MAX_NAMES && name[STATE_NAME_OCTETS - 1] ? "?" : name;
}

const char *state_flow_name(const struct state *s, const struct nat_flow *f)
{
	const struct nat_block *b = s->nat.block;
	unsigned area = b->active & 1;
	uint32_t forward = NAT_NONE;

	if (f->epoch != (b->epoch & 0xff)) {
		if (((f->epoch + 1) & 0xff) != (b->epoch & 0xff))
			return "";
		area = !area;
	}
	if (f->flags & FLOW_MASQ) {
		if (f->row < s->nat.out[area].head->n_rules)
			forward = s->nat.out[area].rule[f->row].forward;
	} else if (f->row < s->nat.map[area].head->n_rows) {
		forward = s->nat.map[area].row[f->row].forward;
	}
	return forward < STATE_MAX_NAMES ? s->name[area][forward] : "";
}
