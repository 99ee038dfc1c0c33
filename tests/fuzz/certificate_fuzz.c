/*
 * Certificates from hostile bytes: a PEM text as it is (the input begins with "-----"), or a DER that is put into one,
 * so that names, serials and dates are reached. What is read must be what the service may rely on: texts in UTF-8
 * without controls, the same when read again, and nothing at all of a certificate that is refused.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/crypto.h"
#include "../../server/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void base64(struct str *out, const uint8_t *data, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		uint32_t three = (uint32_t)data[i] << 16 | (i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0) |
				 (i + 2 < size ? data[i + 2] : 0);
		str_add_c(out, letters[three >> 18]);
		str_add_c(out, letters[three >> 12 & 63]);
		str_add_c(out, i + 1 < size ? letters[three >> 6 & 63] : '=');
		str_add_c(out, i + 2 < size ? letters[three & 63] : '=');
		if (i % 48 == 45)
			str_add_c(out, '\n');
	}
}

static void text_good(const char *text)
{
	if (!str_is_utf8(text, strlen(text)))
		abort();
}

/* A distinguished name is compared, logged and shown: one line, controls escaped. */
static void name_good(const char *name)
{
	text_good(name);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

static void read_good(const char *pem, enum peer_state state, const struct certificate *c, struct pool *pool)
{
	struct certificate again;
	if (!c->issuer || !c->subject || !c->serial || !c->fingerprint)
		abort();
	name_good(c->issuer);
	name_good(c->subject);
	if (strlen(c->fingerprint) != 64 || c->fingerprint[strspn(c->fingerprint, "0123456789abcdef")] ||
	    c->serial[strspn(c->serial, "-0123456789ABCDEF")])
		abort();
	/* An empty number would be everybody's who has none. */
	if ((c->nid && !*c->nid) || (c->common_name && !*c->common_name))
		abort();
	if (c->nid)
		text_good(c->nid);
	if (c->common_name)
		text_good(c->common_name);
	if (certificate_read_pem(pem, pool, &again) != state || strcmp(again.subject, c->subject) ||
	    strcmp(again.issuer, c->issuer) || strcmp(again.serial, c->serial) ||
	    strcmp(again.fingerprint, c->fingerprint))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	struct str pem = str_in(pool);
	if (size >= 5 && !memcmp(data, "-----", 5)) {
		str_add_n(&pem, data, size);
	} else {
		str_add(&pem, "-----BEGIN CERTIFICATE-----\n");
		base64(&pem, data, size);
		str_add(&pem, "\n-----END CERTIFICATE-----\n");
	}
	struct certificate c;
	enum peer_state state = certificate_read_pem(pem.s, pool, &c);
	if (state == PEER_GOOD || state == PEER_EXPIRED)
		read_good(pem.s, state, &c, pool);
	else if (state != PEER_BAD || c.issuer || c.subject || c.serial || c.fingerprint || c.nid || c.common_name)
		abort();
	pool_free(pool);
	return 0;
}
