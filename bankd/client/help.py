"""What ``bankd-client --help`` says besides the options; ``{tasks}`` stands for the forms of tasks."""

EPILOG = """\
Without tasks, bankd-client is a terminal: menus to sign up, log in and bank. With
--login the terminal goes straight to the PIN or password. With --atm it is a cash
machine, for one customer after another.

Tasks (letters' case does not matter; anything else is answered 'Invalid Request'):
{tasks}

A DAY is written 2026-11-30 and is a day by this computer's own time zone; from and to
include it. A MONTH is written 2026-11, and is the bank's: one in UTC. "Balance at" is
the balance at the end of that day, or when the clock there showed TIME (14:30). A
statement shows 20 entries, or up to 100 as asked; an export has all. FORM is csv, json
or camt (CAMT.053 of ISO 20022); without it the ending of FILE says which: .csv, .json
or .xml. A file that exists is never written over, and one that could not be finished
is not left behind.

"Pay File" pays all of a file or, with each, every line by itself. A line is
account,amount,reference; # begins a remark. A line that is wrong is named, and nothing
is sent. Together go 1,000 payments; with each there may be more. The same file is paid
once: after an interruption say the same again. To pay the same payments anew, next
month or after a refusal, give them a new name: as 2026-12. If the bank refuses some
lines, pay these from a file of their own.

A file of tasks holds one on each line; empty lines and lines that begin with # are
skipped. Quote a task with a $ in single quotes, or leave the $ out. With --tasks - each
line of standard input is done as it arrives, in one session, until the input ends or
says Exit; when the bank ends the session before, that is said at once.

The secret (PIN, or password for user:NAME) comes from --secret-file, else from the
variable BANKD_SECRET, else from the first line of standard input; a person is asked.
It is never an argument, where other users of the computer could read it.

A bank may want a one-time password besides, at log-in or for a payment. It comes from
--totp-file as often as it is wanted, by an authenticator app's secret; else once, from
--one-time-file or the variable BANKD_ONE_TIME; else a person is asked. A session that
has to log in again over another connection wants a new one.

With --json each task is answered by one object on one line: task, code (the bank's
number), ok, reason (the bank's word for a refusal, or null), words (as printed
without --json), the fields as the bank sent them (amounts in minor units, such as
cents), and for lists items, with the fields of each line. A refused log-in is an
object too, with the task "Log In".

A connection that is lost is made again, and what was under way asked again; nothing is
paid twice. Where it stays unknown whether money moved, that is said, with the key by
which the bank finds it; in JSON as key.

Everything is sealed for the bank, inside TLS, so that nobody on the way reads it who
ends TLS before the bank does. The bank's identity is its public key, receipts.pem: the
bank gives it away as a file, or tells its fingerprint. Without --identity the one that
a bank shows the first time is told, and remembered in
~/.local/share/bankd/known_banks (or below XDG_DATA_HOME); a bank that then shows
another is told nothing. --seal secrets seals what carries a PIN, password or code, and
--seal off nothing.

Exit status:
  0  everything succeeded
  1  the bank refused something
  2  what was given cannot be used: an option, a file, a missing secret
  3  the bank could not be reached or trusted, was lost for good, or ended the session

Examples:
  bankd-client --server bank.example:65432 --ca ca.pem
  bankd-client --login account:1000001
  bankd-client --atm
  BANKD_SECRET=4711 bankd-client --login account:1000001 --task 'Check Balance'
  bankd-client --login user:alice --secret-file secret --json \\
      --task 'Transfer $100 to Account 1000002 reference Rent' --task 'Statement 5'
  bankd-client --login mobile:+31612345678 --secret-file secret --tasks - < tasks.txt

In a terminal, a row above each question tells how many notices are unread. Colours are
left out where NO_COLOR is set, and with --plain, where lines are all that is written.
The row in which long work tells how far it is needs a terminal too; elsewhere there is
a line about it every ten seconds.

The terminal speaks the language of --language, or else the one that LANGUAGE, LC_ALL,
LC_MESSAGES or LANG names, or English; and reads and shows amounts as that language
writes them (1.234,50 in German). Tasks, and what is said about options, are English;
with --language, what is answered to tasks is not.

Completion, where bash looks for it:
  bankd-client --print-completion bash > ~/.local/share/bash-completion/completions/bankd-client

Variables: BANKD_SERVER, BANKD_CA, BANKD_TERMINAL, BANKD_SEAL and BANKD_IDENTITY stand
for --server, --ca, --terminal, --seal and --identity, BANKD_SECRET for the secret.

In $XDG_DATA_HOME/bankd/terminals (~/.local/share/bankd/terminals) is kept
what tells the bank that you have logged in here before, so that nobody who tries your
PIN elsewhere can lock you out here; without the file all works as well.
"""
