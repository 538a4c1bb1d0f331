"""The pages of one user: what is known of them, what happened to them, and every act on them."""
