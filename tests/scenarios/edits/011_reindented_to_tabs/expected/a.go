func f() {
	if done {
		return
	}
}
