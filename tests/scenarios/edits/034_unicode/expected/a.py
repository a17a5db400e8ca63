grüße = "wörld 🎉👩‍💻"
name = "漢字"
