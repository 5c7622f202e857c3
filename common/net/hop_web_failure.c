/* Why an exchange over TLS failed, as a sentence: libcurl's codes in the words of http_client*.c. Its own
 * words are used for the rest only; they name neither host nor URL. */
#include "hop_web_private.h"

#include <errno.h>
#include <openssl/x509_vfy.h>

#include "http_response_private.h"
#include "mem.h"

#define NOT_TRUSTED "The connector's certificate is not trusted"
#define NO_ISSUER NOT_TRUSTED ": nobody who is trusted here has issued it."

bool hop_web_died(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_SEND_FAIL_REWIND || code == CURLE_SEND_ERROR ||
           code == CURLE_RECV_ERROR;
}

/* CURLINFO_SSL_VERIFYRESULT is OpenSSL's. The host name is libcurl's own check, which leaves it as it was. */
static const char *distrust(CURL *easy)
{
    static const struct {
        long result;
        const char *text;
    } reasons[] = {
        { X509_V_OK, NOT_TRUSTED ": it is for another host name." },
        { X509_V_ERR_UNSPECIFIED, NOT_TRUSTED ": it is for another host name." },
        { X509_V_ERR_HOSTNAME_MISMATCH, NOT_TRUSTED ": it is for another host name." },
        { X509_V_ERR_IP_ADDRESS_MISMATCH, NOT_TRUSTED ": it is for another address." },
        { X509_V_ERR_CERT_HAS_EXPIRED, NOT_TRUSTED ": it has expired." },
        { X509_V_ERR_CERT_NOT_YET_VALID, NOT_TRUSTED ": it is not valid yet." },
        { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, NO_ISSUER },
        { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, NO_ISSUER },
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, NO_ISSUER },
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, NO_ISSUER },
        { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, NO_ISSUER },
    };
    long result = X509_V_OK;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].result == result) {
            return reasons[i].text;
        }
    }
    return NOT_TRUSTED ".";
}

static const char *no_connection(CURL *easy)
{
    long number = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    return number == ECONNREFUSED ? "The connector refused the connection."
                                  : "The connector could not be reached.";
}

/* Only connecting has a time limit in libcurl; the deadline is ours. */
static const char *late(CURL *easy)
{
    curl_off_t named_us = 0;

    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &named_us);
    return named_us == 0 ? "The connector's host name was not resolved in time."
                         : "The connector did not complete the connection and its TLS handshake in time.";
}

static const char *closed(const hop_t *hop, CURLcode code)
{
    if (!hop->answered) {
        return "The connector closed the connection before it answered.";
    }
    return code == CURLE_RECV_ERROR
               ? "The connector broke off in the middle of its answer, or that is not valid HTTP."
               : "The connector closed the connection in the middle of its answer.";
}

static const char *text_of(const hop_t *hop, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "The host name could not be resolved.";
    case CURLE_COULDNT_CONNECT:
        return no_connection(hop->web->easy);
    case CURLE_OPERATION_TIMEDOUT:
        return late(hop->web->easy);
    case CURLE_PEER_FAILED_VERIFICATION:
        return distrust(hop->web->easy);
    case CURLE_SSL_CONNECT_ERROR:
        return "No TLS connection to the connector could be made.";
    case CURLE_SSL_CACERT_BADFILE:
        return "The certificates to trust could not be read.";
    case CURLE_OK: /* and yet there was no head */
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return closed(hop, code);
    default:
        return NULL;
    }
}

void hop_web_failure(const hop_t *hop, CURLcode code, err_t *ret)
{
    const char *text = text_of(hop, code);

    if (hop->web->wrong) {
        http_response_refuse(ret, hop->web->wrong);
    } else if (code == CURLE_UNSUPPORTED_PROTOCOL) {
        http_response_refuse(ret, "it does not begin with a status line");
    } else if (code == CURLE_WEIRD_SERVER_REPLY) {
        http_response_refuse(ret, "a header of it cannot be read");
    } else if (text) {
        err_set(ret, ERR_UPSTREAM, "%s", text);
    } else {
        err_set(ret, ERR_UPSTREAM, "The exchange with the connector failed: %s.", curl_easy_strerror(code));
    }
}
