"""OpenAI's APIs, simulated: Chat Completions, Responses, models and embeddings, as several providers speak them.

Written from the API reference alone and not with `wire/codecs`: it is the other side, and checks them.
"""
