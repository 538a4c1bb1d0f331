"""What templates see: frozen views with every decision made, never a document."""
