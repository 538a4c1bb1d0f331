"""What an attacker would try: forged tokens and payloads, hostile input, smuggled requests, stolen logs."""
