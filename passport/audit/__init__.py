"""The audit log: what operators did, in a chain that shows every change to it. Knows no HTTP.

It is kept for ever. No index expires it and no setting does: an entry that could be removed in silence would make the
chain prove nothing. What lets it be kept is that it holds no personal data of users (passport.audit.fields).
"""

from passport.audit.chain import Entry, Head
from passport.audit.service import Audit
from passport.audit.verifier import Verdict

__all__ = ["Audit", "Entry", "Head", "Verdict"]
