"""What lan-fetch is made of: URLs, pages, redirects and proxies before the sockets, the waterfall behind them."""
