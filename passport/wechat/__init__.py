"""WeChat's side of a sign-in: its calls, its error codes and its cryptography."""
