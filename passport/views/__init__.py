"""View models of the dashboard: all that its templates ever see. What must be masked is masked here."""
