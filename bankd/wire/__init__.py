"""BANK/1 without a socket: grammar, messages, codec and states, used by the server and by the client."""
