def test_x(shop):
    shop.log_in()
    print(shop.events())
