/** A server whose connections are accepted and answered by native code of its own class, as those of Netty's epoll are. */
public class Native {
    static native int serve(int port);

    public static void main(String[] arguments) {
        System.load(arguments[0]);
        System.out.println(serve(Integer.parseInt(arguments[1])) > 0 ? "answered" : "failed");
    }
}
