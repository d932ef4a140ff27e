"""Lossy channels: a link is an ordered list of stages, a route a list of links, the desk is behind them."""
