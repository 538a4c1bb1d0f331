"""The domain of wxpassport: sign-in, registration, tokens, users. Knows no HTTP."""
