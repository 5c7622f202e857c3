/* How an exchange gets a new connection:
 *
 *     hop_connect -> (names resolved) -> each address in turn -> on_connected -> hop_send
 *
 * Surprising: it may start within hop_start(), so what fails at once is told by hop_fail_soon().
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

#include "clock.h"
#include "http_client_private.h"
#include "mem.h"

static void on_addresses(void *self, const struct sockaddr_storage *addresses, size_t count,
                         const err_t *err);
static void try_addresses(hop_t *hop, int failure);
static void on_connected(hop_t *hop);

void hop_connect(hop_t *hop)
{
    const hop_url_t *url = &hop->pool->url;

    hop->connecting = true;
    hop->connect_until_ms = clock_ms() + hop->pool->limits.connect_timeout_ms;
    if (!url->socket_path) {
        hop->question = resolve_start(hop->pool->resolver, url->host, url->port, on_addresses, hop);
        return;
    }
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memccpy(address.sun_path, url->socket_path, '\0', sizeof(address.sun_path) - 1);
    free(hop->addresses);
    hop->addresses = NEW_ARRAY(struct sockaddr_storage, 1);
    memcpy(hop->addresses, &address, sizeof(address));
    hop->address_count = 1;
    hop->address_next = 0;
    try_addresses(hop, 0);
}

static void on_addresses(void *self, const struct sockaddr_storage *addresses, size_t count, const err_t *err)
{
    hop_t *hop = self;

    hop->question = NULL;
    if (err) {
        hop_fail(hop, err);
        return;
    }
    free(hop->addresses);
    hop->addresses = NEW_ARRAY(struct sockaddr_storage, count);
    memcpy(hop->addresses, addresses, count * sizeof(*addresses));
    hop->address_count = count;
    hop->address_next = 0;
    try_addresses(hop, 0);
}

static void fail_to_connect(hop_t *hop, int failure)
{
    static const struct {
        int number;
        err_kind_t kind;
        const char *text;
    } failures[] = {
        { ECONNREFUSED, ERR_UPSTREAM, "The connector refused the connection." },
        { ENOENT, ERR_UPSTREAM, "The connector is not running: its socket does not exist." },
        { EACCES, ERR_UPSTREAM, "The connector's socket may not be opened by this user." },
        { EAGAIN, ERR_UPSTREAM, "The connector has too many connections waiting." },
        { ETIMEDOUT, ERR_UPSTREAM, "The connector did not accept the connection in time." },
        { EMFILE, ERR_INTERNAL, "No connection to the connector could be opened: too many are open here." },
        { ENFILE, ERR_INTERNAL, "No connection to the connector could be opened: too many are open here." },
    };

    if (hop->pool->url.host) {
        resolver_forget(hop->pool->resolver, hop->pool->url.host);
    }
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        if (failures[i].number == failure) {
            hop_fail_soon(hop, failures[i].kind, failures[i].text);
            return;
        }
    }
    hop_fail_soon(hop, ERR_UPSTREAM, "The connector could not be reached.");
}

static socklen_t address_size(const struct sockaddr_storage *address)
{
    switch (address->ss_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return sizeof(struct sockaddr_un);
    }
}

/* `failure`: why the address before did not do. */
static void try_addresses(hop_t *hop, int failure)
{
    bool connected = false;

    while (!hop->conn && hop->address_next < hop->address_count) {
        const struct sockaddr_storage *address = &hop->addresses[hop->address_next++];
        hop->conn = http_conn_open(hop->pool, hop, (const struct sockaddr *)address, address_size(address),
                                   &connected);
        failure = hop->conn ? 0 : errno;
    }
    if (!hop->conn) {
        fail_to_connect(hop, failure);
    } else if (connected) {
        on_connected(hop);
    } else {
        hop->connect_until_ms = clock_ms() + hop->pool->limits.connect_timeout_ms;
        event_add(&hop->conn->writable, NULL);
        hop_arm_timer(hop);
    }
}

static void leave_address(hop_t *hop, int failure)
{
    http_conn_close(TAKE(hop->conn));
    try_addresses(hop, failure);
}

static void on_connected(hop_t *hop)
{
    hop->connecting = false;
    hop_arm_timer(hop);
    http_conn_watch(hop->conn, !hop->paused);
    hop_send(hop);
}

void hop_connect_writable(hop_t *hop)
{
    int failure = 0;
    socklen_t size = sizeof(failure);

    getsockopt(hop->conn->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure) {
        leave_address(hop, failure);
    } else {
        on_connected(hop);
    }
}

void hop_on_connect_timeout(hop_t *hop)
{
    if (hop->question) {
        hop_fail_with(hop, ERR_UPSTREAM, "The connector's host name was not resolved in time.");
    } else {
        leave_address(hop, ETIMEDOUT);
    }
}
