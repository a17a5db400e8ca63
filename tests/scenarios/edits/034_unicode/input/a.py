grüße = "héllo 😀"
name = "漢字"
