"""The hand-off kit: the mini-program filled in for this server, and a checklist for WeChat's admin console.

Pure files and words: it knows neither HTTP nor MongoDB, and takes no secret from the settings.
"""
