// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0

#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL writes as macros with arguments, which Swift does not see.
static inline int belfry_ctx_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void belfry_ctx_set_mode(SSL_CTX *context, long mode) { (void)SSL_CTX_set_mode(context, mode); }

// Neither is worth its weaknesses.
static inline void belfry_ctx_forbid_renegotiation_and_compression(SSL_CTX *context) {
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static inline int belfry_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

static inline int belfry_error_reason(unsigned long error) { return ERR_GET_REASON(error); }
