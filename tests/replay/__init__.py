"""The last hop: signed webhooks to guarded addresses, functions in processes of their own, and truthful outcomes."""
