"""The people who work in the dashboard: who they are, how they sign in, what they may do."""
