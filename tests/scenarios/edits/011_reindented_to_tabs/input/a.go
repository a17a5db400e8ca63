func f() {
	if ok {
		return
	}
}
