echo "$1 \1 \n $& .*"
echo done
