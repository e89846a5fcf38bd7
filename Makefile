# Everything a newcomer types. Each target makes the environment in .venv itself, once.
#
# Values such as STATE reach the recipes as environment variables, quoted by the shell, so that a path
# may hold spaces.

PYTHON      ?= python3
PORT        ?= 65432
NOTICE_PORT ?= 65433
STATUS_PORT ?= 5000
STATE       ?= var
ARGS        ?=
TESTS       ?=
QUICK       ?=
OUT         ?=
KILLS       ?= 200
CALLS       ?= 200
OPERATIONS  ?= 100000
CLIENTS     ?= 64
ENGINE      ?= sqlite
CALM        ?= 3
RATE        ?= 200
LENGTH      ?= 60
WITHIN      ?= 2
CONNECTIONS ?= 10000
MINUTES     ?= 60
SEED        ?=
INPUTS      ?= 100000
EXAMPLES    ?= 200

VENV   := .venv
BIN    := $(VENV)/bin
SETUP  := setup.cfg pyproject.toml
CONFIG := etc/demo.ini

export PORT NOTICE_PORT STATUS_PORT STATE OUT KILLS CALLS OPERATIONS CLIENTS ENGINE CALM RATE LENGTH WITHIN SEED INPUTS EXAMPLES
export CONNECTIONS MINUTES

.DEFAULT_GOAL := help
.PHONY: help run client test lint bench simulate planted crashes contention storm records flood soak hostile sealed forgeries
.PHONY: fuzz model clean
.DELETE_ON_ERROR:

help:
	@echo "bankd: a complete retail bank"
	@echo
	@echo "  make run      serve the demo bank in the foreground; Ctrl-C stops it"
	@echo "  make client   bank in this terminal, with the bank that 'make run' serves; ARGS=--atm: as at a cash machine"
	@echo "  make test     check everything; TESTS=tests.test_money checks only that"
	@echo "  make lint     check form and types only"
	@echo "  make bench    measure this machine (docs/benchmarks.md); QUICK=1 OUT=FILE: four minutes, kept in FILE"
	@echo "  make simulate SEEDS=300 worlds with a bank and all that may go wrong (docs/testing.md); ARGS=\"--seed N -v\" one again"
	@echo "  make planted  plant faults in copies of the bank: each is found within SEEDS=500 worlds (docs/testing.md)"
	@echo "  make crashes  kill the bank KILLS=200 times, transfers at CALLS=200 calls, and stop it 20 times (docs/testing.md);"
	@echo "                SEED=N repeats"
	@echo "  make contention   OPERATIONS=100000 by CLIENTS=64 on two accounts (docs/testing.md); SEED=N repeats"
	@echo "  make storm    OPERATIONS=100000 while bank, server, network and clients fail; ENGINE=postgresql, CALM=3 seconds (docs/testing.md)"
	@echo "  make records  LENGTH=60 seconds of RATE=200 connections: log, CSV files and journal agree (docs/testing.md); SEED=N"
	@echo "  make flood    CONNECTIONS=10000 at a time, while customers log in (docs/testing.md)"
	@echo "  make soak     MINUTES=60 of an ordinary day: memory stays, nothing fails (docs/testing.md); SEED=N repeats"
	@echo "  make hostile  everything that strangers and bad customers try (docs/testing.md); ARGS=--short, ARGS=\"--only WORDS\""
	@echo "  make sealed   listen to SESSIONS=1000 sealed sessions, and meddle with them (docs/testing.md)"
	@echo "  make forgeries   forge FORGERIES=100000 datagrams of notices (docs/testing.md)"
	@echo "  make fuzz     INPUTS=100000 that nobody meant, for all that reads what others wrote (docs/testing.md); SEED=N,"
	@echo "                ARGS=\"--only NAME\", ARGS=--list"
	@echo "  make model    EXAMPLES=200 stories of customers and an operator, against a dictionary (docs/testing.md)"
	@echo "  make clean    remove the environment and what tools leave behind; the bank's state stays"
	@echo
	@echo "  PORT=$(PORT) NOTICE_PORT=$(NOTICE_PORT) STATUS_PORT=$(STATUS_PORT) STATE=$(STATE) PYTHON=$(PYTHON)"
	@echo "  ARGS=... goes to the client:  make client ARGS=\"--login account:1000001 --task 'Check Balance'\""

# The shell waits for the daemon with traps set, so that Ctrl-C and a signal sent to make alone both stop
# the bank in order, and a stop that was asked for is not an error.
run: $(VENV)/.for-run
	@$(BIN)/bankctl init --config $(CONFIG) --state "$$STATE" || exit $$?; \
	 where=; [ "$$PORT" = 65432 ] || where=" PORT=$$PORT"; [ "$$STATE" = var ] || where="$$where STATE='$$STATE'"; \
	 echo "To bank as one of them, type in another terminal, in this folder:"; \
	 echo "  make client$$where"; \
	 echo "      then Log In with a user name and its password from above; Transfer Funds pays the account of another"; \
	 echo "  make client ARGS=--atm$$where"; \
	 echo "      is a cash machine, which takes an account number and its PIN"; \
	 echo "Ctrl-C here closes the bank. What follows is its log."; \
	 $(BIN)/twistd --nodaemon --pidfile= bankd --config $(CONFIG) --state "$$STATE" \
	   --port "$$PORT" --notice-port "$$NOTICE_PORT" --status-port "$$STATUS_PORT" & \
	 bank=$$!; asked=; \
	 trap 'asked=yes; kill -TERM $$bank 2>/dev/null' INT TERM HUP; \
	 wait $$bank 2>/dev/null; status=$$?; \
	 while kill -0 $$bank 2>/dev/null; do wait $$bank 2>/dev/null; status=$$?; done; \
	 [ -n "$$asked" ] || exit $$status

# $(value ARGS): 'Transfer $100 to Account XYZ' reaches the shell as it was typed.
client: $(VENV)/.for-run
	@$(BIN)/bankd-client --server "localhost:$$PORT" --ca "$$STATE/ca.pem" \
	   --identity "$$STATE/receipts.pem" $(value ARGS)

test: $(VENV)/.for-test
	@$(BIN)/python tests/run.py $(TESTS)

lint: $(VENV)/.for-test
	@$(BIN)/python tests/run.py --lint

# Python replaces the shell, so that a signal to make's children reaches the measurement, which then cleans up.
bench: $(VENV)/.for-bench
	@exec $(BIN)/python -m bench $(if $(QUICK),--quick) $${OUT:+--out "$$OUT"} $(value ARGS)

simulate: $(VENV)/.for-run
	@exec $(BIN)/python -m bankd.simulation --seeds "$${SEEDS:-300}" $(value ARGS)

planted: $(VENV)/.for-test
	@exec $(BIN)/python -m tests.planted --seeds "$${SEEDS:-500}" $(value ARGS)

# All are run, whatever the others find.
crashes: $(VENV)/.for-test
	@failed=0; \
	 $(BIN)/python -m tests.ordeals.calls --calls "$$CALLS" $${SEED:+--seed "$$SEED"} || failed=1; \
	 $(BIN)/python -m tests.ordeals.stops $${SEED:+--seed "$$SEED"} || failed=1; \
	 $(BIN)/python -m tests.ordeals.kills --kills "$$KILLS" --within "$$WITHIN" $${SEED:+--seed "$$SEED"} || failed=1; \
	 exit $$failed

contention: $(VENV)/.for-test
	@exec $(BIN)/python -m tests.ordeals.contention --operations "$$OPERATIONS" --clients "$$CLIENTS" \
	   $${SEED:+--seed "$$SEED"} $(value ARGS)

# With 32 clients; ARGS="--clients N" for others.
storm: $(VENV)/.for-test
	@exec $(BIN)/python -m tests.ordeals.storms --engine "$$ENGINE" --operations "$$OPERATIONS" --calm "$$CALM" \
	   $${SEED:+--seed "$$SEED"} $(value ARGS)

# The second time the bank is killed on the way.
records: $(VENV)/.for-test
	@failed=0; \
	 $(BIN)/python -m tests.ordeals.records --rate "$$RATE" --length "$$LENGTH" $${SEED:+--seed "$$SEED"} || failed=1; \
	 $(BIN)/python -m tests.ordeals.records --rate "$$RATE" --length 20 --kill 3 $${SEED:+--seed "$$SEED"} || failed=1; \
	 exit $$failed

flood: $(VENV)/.for-test
	@exec $(BIN)/python -m tests.ordeals.flood --connections "$$CONNECTIONS" $${SEED:+--seed "$$SEED"} $(value ARGS)

soak: $(VENV)/.for-test
	@exec $(BIN)/python -m tests.ordeals.soak --minutes "$$MINUTES" $${SEED:+--seed "$$SEED"} $(value ARGS)

# All four are run, whatever the others find.
hostile: $(VENV)/.for-test $(VENV)/.for-sslyze
	@failed=0; \
	 $(BIN)/python -m tests.hostile --report $(value ARGS) || failed=1; \
	 $(BIN)/python -m tests.hostile.crowd || failed=1; \
	 $(BIN)/python -m tests.hostile.timings || failed=1; \
	 $(BIN)/python -m tests.hostile.profile || failed=1; \
	 exit $$failed

# Without --jobs, so that the figures are printed.
sealed: $(VENV)/.for-test
	@SESSIONS="$${SESSIONS:-1000}" exec $(BIN)/python -m twisted.trial tests.system.test_sealed

forgeries: $(VENV)/.for-test
	@FORGERIES="$${FORGERIES:-100000}" exec $(BIN)/python -m twisted.trial tests.test_inbox

fuzz: $(VENV)/.for-fuzz
	@exec $(BIN)/python -m tests.fuzz --inputs "$$INPUTS" $${SEED:+--seed "$$SEED"} $(value ARGS)

model: $(VENV)/.for-test
	@MODEL_EXAMPLES="$$EXAMPLES" exec $(BIN)/python -m twisted.trial tests.test_model tests.test_model_access

clean:
	@rm -rf $(VENV) build dist *.egg-info _trial_temp* .coverage .coverage.* htmlcov \
	  .hypothesis .mypy_cache .ruff_cache twisted/plugins/dropin.cache
	@find bankd tests twisted -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, made again when what bankd needs has changed. The stamp is written last, so that an
# interrupted installation is taken up again.
$(VENV)/.for-run: $(SETUP)
	@$(call install,.[camt])

$(VENV)/.for-test: $(SETUP)
	@$(call install,.[test$(comma)lint])
	@touch $(VENV)/.for-run

$(VENV)/.for-bench: $(SETUP)
	@$(call install,.[bench$(comma)camt])
	@touch $(VENV)/.for-run

# sslyze needs an older version of a library than bankd does, so it has an environment of its own.
$(VENV)/.for-sslyze: $(VENV)/.for-test
	@$(PYTHON) -m venv $(VENV)/sslyze && \
	 $(VENV)/sslyze/bin/python -m pip install --quiet --disable-pip-version-check 'sslyze >= 6.3' && touch $@

# atheris is not made for every Python; the inputs are then made without it.
$(VENV)/.for-fuzz: $(VENV)/.for-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]' || \
	   echo "atheris cannot be installed here; inputs are not guided by coverage" >&2; touch $@

comma := ,
define install
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
   echo "bankd needs Python 3.11 or later, and '$(PYTHON)' is not; name one: make PYTHON=python3.12" >&2; \
   exit 1; }; \
 echo "Making the environment in $(VENV); this is done once ..."; \
 $(PYTHON) -m venv $(VENV) || exit 1; \
 $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '$(1)' && touch $@
endef
