"""The helpdesk of docs/examples/connector-helpdesk, which is made up. Tokens: demo-token, user-token."""

from standin import Answer, Standin, main, route


class Helpdesk(Standin):
    title = "a helpdesk"

    @route("GET", r"/tickets/([^/]+)")
    def ticket(self, request, number):
        if request.headers.get("api-key") not in ("demo-token", "user-token"):
            return Answer(401, {"error": "unknown token"})
        if number != "17":
            return Answer(404, {"error": "no such ticket"})
        return Answer(200, {"id": 17, "subject": "The printer is on fire", "status": "open", "internal": "x"})


if __name__ == "__main__":
    main(Helpdesk)
