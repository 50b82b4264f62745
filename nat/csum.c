/* SPDX-License-Identifier: GPL-2.0-or-later */
/* csum - see csum.h */
#include "nat/csum.h"

#include <string.h>

#include "nat/wire.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/* Four independent 64-bit lanes of 32-bit words: no carries to chase, and compilers see a vector loop. */
csum_sum csum_add_plain(csum_sum s, const uint8_t *data, size_t len)
{
	uint64_t lane[4] = { 0 };
	uint32_t w[4];
	uint16_t h;

	for (; len >= sizeof(w); data += sizeof(w), len -= sizeof(w)) {
		memcpy(w, data, sizeof(w));
		for (unsigned i = 0; i < 4; i++)
			lane[i] += w[i];
	}
	for (unsigned i = 0; i < 4; i++)
		s += csum_fold(lane[i]);
	for (; len >= 2; data += 2, len -= 2) {
		memcpy(&h, data, sizeof(h));
		s += h;
	}
	if (len) {
		uint8_t last[2] = { *data, 0 };

		s += wire_getbe16(last);
	}
	return s;
}

#if defined(__x86_64__)
/* CPUID leaf 7 tells AVX2, XGETBV whether the kernel saves its registers (Intel SDM vol. 1, 14.3 and 14.7.1). */
static int has_avx2(void)
{
	unsigned a, b, c, d, lo, hi;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
		return 0;
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	if ((lo & 6) != 6)
		return 0;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

/* Low and high 32-bit halves of each 64-bit word go to sums of their own: 2^32 rounds before one could overflow. */
__attribute__((target("avx2"))) static csum_sum add_avx2(csum_sum s, const uint8_t *data, size_t len)
{
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	__m256i sum[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
			   _mm256_setzero_si256() };
	uint64_t lane[4];

	for (; len >= 64; data += 64, len -= 64) {
		__m256i x, y;

		memcpy(&x, data, sizeof(x));
		memcpy(&y, data + 32, sizeof(y));
		sum[0] = _mm256_add_epi64(sum[0], _mm256_and_si256(x, low));
		sum[1] = _mm256_add_epi64(sum[1], _mm256_srli_epi64(x, 32));
		sum[2] = _mm256_add_epi64(sum[2], _mm256_and_si256(y, low));
		sum[3] = _mm256_add_epi64(sum[3], _mm256_srli_epi64(y, 32));
	}
	sum[0] = _mm256_add_epi64(_mm256_add_epi64(sum[0], sum[1]), _mm256_add_epi64(sum[2], sum[3]));
	memcpy(lane, &sum[0], sizeof(lane));
	for (unsigned i = 0; i < 4; i++)
		s += csum_fold(lane[i]);
	return csum_add_plain(s, data, len);
}
#endif

csum_sum csum_add(csum_sum s, const uint8_t *data, size_t len)
{
#if defined(__x86_64__)
	/* A fact about this CPU, asked once. Threads may ask at the same time: they get the same answer. */
	static int avx2 = -1;

	if (len >= 256) {
		int have = __atomic_load_n(&avx2, __ATOMIC_RELAXED);

		if (have < 0) {
			have = has_avx2();
			__atomic_store_n(&avx2, have, __ATOMIC_RELAXED);
		}
		if (have)
			return add_avx2(s, data, len);
	}
#endif
	return csum_add_plain(s, data, len);
}

csum_sum csum_pseudo(const struct nat_addr *src, const struct nat_addr *dst, enum nat_family family, uint8_t proto,
		     uint32_t len_octets)
{
	uint8_t tail[8] = { (uint8_t)(len_octets >> 24), (uint8_t)(len_octets >> 16), (uint8_t)(len_octets >> 8),
			    (uint8_t)len_octets, [7] = proto };
	size_t n = family == NAT_IPV4 ? 4 : 16;
	csum_sum s = 0;

	s = csum_add_plain(s, nat_addr_wire(src, family), n);
	s = csum_add_plain(s, nat_addr_wire(dst, family), n);
	return csum_add_plain(s, tail, sizeof(tail));
}
