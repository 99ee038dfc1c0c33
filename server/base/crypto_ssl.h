/*
 * What the crypto*.c files share. For them alone: it shows OpenSSL's types.
 */
#ifndef BASE_CRYPTO_SSL_H
#define BASE_CRYPTO_SSL_H

#include <openssl/x509.h>
#include "crypto.h"

/*
 * fault() with OpenSSL's reason. The thread's error queue is emptied: what is left there would be taken by the next
 * SSL_get_error() of a connection for its own.
 */
int ssl_fault(struct err *e, const char *what);
/* Never asks the terminal for a password. */
int ssl_no_password(char *buffer, int size, int writing, void *unused);

int certificate_read(X509 *cert, struct pool *pool, struct certificate *out) MUST_USE;
/* PEER_GOOD, or PEER_EXPIRED outside its dates by the machine's clock. */
enum peer_state certificate_dates(const struct certificate *c);

#endif
